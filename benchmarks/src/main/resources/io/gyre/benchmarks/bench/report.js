'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const darkScheme = window.matchMedia('(prefers-color-scheme: dark)');
const charts = [];

const COLOURS = {
  light: {ceiling: '#7d8590', c: '#a5adb8', gyre: '#0b7a75', jdk: '#c9711b', netty: '#6f56c9',
    text: '#1c2330', muted: '#5b6472', line: '#dde1e7', card: '#ffffff'},
  dark: {ceiling: '#8b94a1', c: '#626b78', gyre: '#2cc5bd', jdk: '#e69a4c', netty: '#a18cf0',
    text: '#e6e9ef', muted: '#9aa4b2', line: '#313948', card: '#1b2029'},
};
const palette = () => COLOURS[darkScheme.matches ? 'dark' : 'light'];

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function number(value, digits) {
  if (value === null || value === undefined) return '–';
  if (value >= 1e6) return (value / 1e6).toFixed(2) + ' M';
  if (value >= 1e4) return (value / 1e3).toFixed(1) + ' K';
  return value.toFixed(digits);
}

/** Three digits, whatever the size. */
function short(value) {
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, ' M'] : value >= 1e3 ? [value / 1e3, ' K'] : [value, ''];
  return scaled.toPrecision(3) + unit;
}

/** For an axis: no digits that say nothing. */
function tick(value) {
  const [scaled, unit] = value >= 1e6 ? [value / 1e6, ' M'] : value >= 1e3 ? [value / 1e3, ' K'] : [value, ''];
  return String(Number(scaled.toPrecision(3))) + unit;
}

const singular = (unit) => unit.slice(0, -1);

/** Bars with whiskers from the smallest to the largest, the median beside them, and a line at the ceiling. */
function options(workload, measure, width) {
  const colours = palette();
  const arms = workload.arms.filter((arm) => arm[measure]);
  const ceiling = arms.find((arm) => arm.family === 'ceiling');
  return {
    animation: false,
    aria: {enabled: true},
    textStyle: {fontFamily: 'inherit'},
    grid: {left: 4, right: 56, top: 8, bottom: 8, containLabel: true},
    tooltip: {
      trigger: 'axis', axisPointer: {type: 'shadow'}, confine: true,
      backgroundColor: colours.card, borderColor: colours.line, textStyle: {color: colours.text},
      formatter(items) {
        const arm = arms[items[0].dataIndex];
        const spread = arm[measure];
        return `<b>${echarts.format.encodeHTML(arm.name)}</b><br>${short(spread.median)}`
            + ` (${short(spread.min)} – ${short(spread.max)})`;
      },
    },
    xAxis: {
      type: 'value', splitNumber: width < 420 ? 2 : 4,
      axisLabel: {color: colours.muted, formatter: tick, hideOverlap: true},
      splitLine: {lineStyle: {color: colours.line}},
    },
    yAxis: {
      type: 'category', inverse: true, data: arms.map((arm) => arm.name),
      axisLabel: {
        color: colours.text, width: 118, overflow: 'break', lineHeight: 14,
        formatter: (name) => name.replace(/^Asynchronous(?=[A-Z])/, 'Asynchronous\n'),
      },
      axisLine: {lineStyle: {color: colours.line}}, axisTick: {show: false},
    },
    series: [
      {
        type: 'bar', barWidth: '58%',
        data: arms.map((arm) => ({value: arm[measure].median, itemStyle: {color: colours[arm.family]}})),
        markLine: ceiling ? {
          silent: true, symbol: 'none', label: {show: false},
          lineStyle: {color: colours.muted, type: 'dashed'}, data: [{xAxis: ceiling[measure].median}],
        } : undefined,
      },
      {
        type: 'custom', silent: true, z: 5, encode: {x: [1, 2], y: 0}, tooltip: {show: false},
        data: arms.map((arm, i) => [i, arm[measure].min, arm[measure].max]),
        clip: false,
        renderItem(_, api) {
          const low = api.coord([api.value(1), api.value(0)]);
          const high = api.coord([api.value(2), api.value(0)]);
          const half = api.size([0, 1])[1] * 0.14;
          const line = (x1, y1, x2, y2) => ({
            type: 'line', shape: {x1, y1, x2, y2}, style: {stroke: colours.text, lineWidth: 1.5},
          });
          return {type: 'group', children: [
            line(low[0], low[1], high[0], high[1]),
            line(low[0], low[1] - half, low[0], low[1] + half),
            line(high[0], high[1] - half, high[0], high[1] + half),
            {
              type: 'text',
              style: {
                text: short(arms[api.value(0)][measure].median), x: high[0] + 6, y: high[1], fill: colours.text,
                fontSize: 12, fontWeight: 600, verticalAlign: 'middle', stroke: colours.card, lineWidth: 3,
              },
            },
          ]};
        },
      },
    ],
  };
}

function addChart(parent, workload, measure, title, better) {
  const count = workload.arms.filter((arm) => arm[measure]).length;
  if (count === 0) return;
  const box = element('div');
  const heading = element('h3', title + ' ');
  heading.append(element('small', better));
  const place = element('div', undefined, 'chart');
  place.style.height = `${count * 38 + 48}px`;
  box.append(heading, place);
  parent.append(box);
  const chart = echarts.init(place, null, {renderer: 'svg'});
  const draw = () => chart.setOption(options(workload, measure, place.clientWidth), true);
  draw();
  charts.push({chart, draw});
}

function spreadCell(spread, digits) {
  const cell = element('td', spread ? number(spread.median, digits) : '–');
  if (spread) {
    cell.append(' ', element('small', `${number(spread.min, digits)} – ${number(spread.max, digits)}`));
  }
  return cell;
}

function row(arm) {
  const line = element('tr', undefined, arm.family);
  const name = element('td');
  const swatch = element('span', undefined, 'swatch');
  swatch.style.background = palette()[arm.family];
  swatch.dataset.family = arm.family;
  name.append(swatch, arm.name);
  line.append(name);
  if (!arm.per_second) {
    const why = arm.unavailable ? `can’t run here: ${arm.unavailable}` : `failed: ${arm.failures.join('; ')}`;
    const cell = element('td', why, 'reason');
    cell.colSpan = 9;
    line.append(cell);
    return line;
  }
  const ratio = (value) => element('td', value === null ? '–' : value.toFixed(2));
  line.append(
      spreadCell(arm.per_second, 0), ratio(arm.per_second_to_ceiling),
      spreadCell(arm.cpu_us, 3), ratio(arm.cpu_to_ceiling),
      element('td', number(arm.p50_us && arm.p50_us.median, 1)),
      element('td', number(arm.p99_us && arm.p99_us.median, 1)),
      element('td', number(arm.enters && arm.enters.median, 4)),
      element('td', number(arm.alloc_bytes && arm.alloc_bytes.median, 1)),
      element('td', String(arm.errors), arm.errors > 0 ? 'warn' : ''));
  return line;
}

function table(workload) {
  const made = element('table');
  const head = element('tr');
  const each = singular(workload.unit);
  for (const title of ['', `${workload.unit}/s`, 'of C', `CPU µs a ${each}`, 'of C', 'p50 µs', 'p99 µs',
    `enters a ${each}`, `bytes allocated a ${each}`, 'errors']) {
    head.append(element('th', title));
  }
  const headSection = element('thead');
  headSection.append(head);
  const body = element('tbody');
  workload.arms.forEach((arm) => body.append(row(arm)));
  made.append(headSection, body);
  const scroll = element('div', undefined, 'scroll');
  scroll.append(made);
  return scroll;
}

/** What the numbers alone do not say. */
function remarks(workload) {
  const saturated = workload.arms.filter((arm) => arm.load_cpu && arm.load_cpu.median > 0.95).map((arm) => arm.name);
  const syncs = workload.arms.filter((arm) => arm.per_fsync)
      .map((arm) => `${arm.name} ${arm.per_fsync.median.toFixed(1)}`);
  const broken = workload.arms.filter((arm) => arm.per_second && arm.failures.length > 0).map((arm) => arm.name);
  const made = [];
  if (saturated.length > 0) {
    made.push({className: 'warn', text: `The load was as busy as it can be against ${saturated.join(', ')}: their throughput may be higher.`});
  }
  if (syncs.length > 0) {
    made.push({text: `${workload.unit} made durable by one fsync: ${syncs.join(', ')}.`});
  }
  const names = new Set(workload.arms.flatMap((arm) => Object.keys(arm.more || {})));
  for (const name of names) {
    const told = workload.arms.filter((arm) => arm.more && arm.more[name])
        .map((arm) => `${arm.name} ${number(arm.more[name].median, 1)}`);
    made.push({text: `${name}: ${told.join(', ')}.`});
  }
  if (broken.length > 0) {
    made.push({className: 'warn', text: `Failed in some round: ${broken.join(', ')}.`});
  }
  return made;
}

function show(workload) {
  const card = element('section', undefined, 'card');
  card.append(element('h2', workload.title));
  const pair = element('div', undefined, 'charts');
  card.append(pair);
  document.getElementById('workloads').append(card);
  addChart(pair, workload, 'per_second', `${workload.unit}/s`, 'more is better');
  addChart(pair, workload, 'cpu_us', `CPU µs a ${singular(workload.unit)}`, 'less is better');
  card.append(table(workload));
  remarks(workload).forEach(({text, className}) => card.append(element('p', text, className)));
}

const about = document.getElementById('about');
for (const [name, value] of Object.entries(data.about)) {
  const line = element('tr');
  line.append(element('th', name), element('td', value));
  about.append(line);
}
document.getElementById('summary').textContent =
    [data.about.kernel, data.about.java, data.about.date].filter(Boolean).join(' · ');
data.workloads.forEach(show);

new ResizeObserver(() => charts.forEach(({chart, draw}) => {
  chart.resize();
  draw();
})).observe(document.body);
darkScheme.addEventListener('change', () => {
  charts.forEach(({draw}) => draw());
  document.querySelectorAll('.swatch').forEach((s) => { s.style.background = palette()[s.dataset.family]; });
});
