package io.gyre.benchmarks.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.IoRuntime;
import io.gyre.IoRuntime.DriverReport;
import io.gyre.driver.Capabilities.Feature;
import io.gyre.driver.DriverProvider.Availability;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./gyre doctor}. */
@Command(
    name = "doctor",
    description = {
      "Tells what was found on this machine: kernel, liburing, each feature, what is refused and"
          + " what to do about it, and which driver a program would get.",
      "A feature that has a name with hyphens can be switched off by it: -Dgyre.disable=NAME,NAME"
          + " in GYRE_JAVA_OPTS.",
      "The exit status is 1 when no driver works."
    })
final class DoctorCommand implements Callable<Integer> {
  private static final String NONE = "none";

  @Option(names = "--json", description = "As JSON.")
  boolean json;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws JsonProcessingException {
    var facts = SystemReport.collect();
    var drivers = IoRuntime.probeDrivers().stream().map(DoctorCommand::inUse).toList();
    var chosen = chosen(drivers);
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(
          new ObjectMapper()
              .writerWithDefaultPrettyPrinter()
              .writeValueAsString(tree(facts, drivers, chosen)));
    } else {
      print(out, facts, drivers, chosen);
    }
    return chosen.equals(NONE) ? 1 : 0;
  }

  /** A probe's ring is a small one. What a program would get, a started runtime tells. */
  private static DriverReport inUse(DriverReport probed) {
    var found = probed.availability();
    if (!found.available()) {
      return probed;
    }
    try (var runtime = IoRuntime.builder().driver(probed.name()).start()) {
      var capabilities = runtime.loops().getFirst().capabilities();
      return new DriverReport(
          probed.name(), new Availability(true, found.reason(), found.remedy(), capabilities));
    } catch (IOException e) {
      return new DriverReport(
          probed.name(), new Availability(false, e.getMessage(), "", found.capabilities()));
    }
  }

  private static String required() {
    return System.getProperty(IoRuntime.DRIVER_PROPERTY, "auto");
  }

  private static String chosen(List<DriverReport> drivers) {
    var required = required().toLowerCase(Locale.ROOT);
    return drivers.stream()
        .filter(d -> d.availability().available())
        .filter(d -> required.equals("auto") || required.equals(d.name()))
        .map(DriverReport::name)
        .findFirst()
        .orElse(NONE);
  }

  private static Map<String, Object> tree(
      Map<String, String> facts, List<DriverReport> drivers, String chosen) {
    var tree = new LinkedHashMap<String, Object>();
    tree.put("driver", chosen);
    tree.put("system", facts);
    tree.put("drivers", drivers.stream().map(DoctorCommand::tree).toList());
    return tree;
  }

  private static Map<String, Object> tree(DriverReport report) {
    var found = report.availability();
    var tree = new LinkedHashMap<String, Object>();
    tree.put("name", report.name());
    tree.put("available", found.available());
    tree.put("reason", found.reason());
    tree.put("remedy", found.remedy());
    tree.put(
        "features", found.capabilities().features().stream().map(DoctorCommand::tree).toList());
    return tree;
  }

  private static Map<String, Object> tree(Feature feature) {
    var tree = new LinkedHashMap<String, Object>();
    tree.put("name", feature.name());
    tree.put("status", word(feature));
    tree.put("detail", feature.detail());
    return tree;
  }

  private static void print(
      PrintWriter out, Map<String, String> facts, List<DriverReport> drivers, String chosen) {
    facts.forEach((name, value) -> out.printf("%-18s %s%n", name, value));
    for (var report : drivers) {
      var found = report.availability();
      out.printf(
          "%ndriver %s: %s%s%n",
          report.name(),
          found.available() ? "works" : "can't be used",
          found.reason().isEmpty() ? "" : ": " + found.reason());
      if (!found.remedy().isEmpty()) {
        out.printf("  what to do: %s%n", found.remedy());
      }
      int width =
          found.capabilities().features().stream().mapToInt(f -> f.name().length()).max().orElse(0);
      for (var feature : found.capabilities().features()) {
        out.println(
            ("  %-" + (width + 2) + "s%-18s%s")
                .formatted(feature.name(), word(feature).replace('_', ' '), feature.detail())
                .stripTrailing());
      }
    }
    out.printf("%na program would get: %s%n", chosen);
    if (chosen.equals(NONE) && drivers.stream().anyMatch(d -> d.availability().available())) {
      out.printf(
          "  what to do: -D%s=%s lets it take none of those that work%n",
          IoRuntime.DRIVER_PROPERTY, required());
    }
  }

  private static String word(Feature feature) {
    return feature.status().name().toLowerCase(Locale.ROOT);
  }
}
