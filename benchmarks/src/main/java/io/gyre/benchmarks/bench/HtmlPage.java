package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/** Writes a report as one page that needs nothing else: style, charts, their library and the data are all in it. */
final class HtmlPage {
  private static final String WEBJAR = "META-INF/resources/webjars/echarts/";
  private static final String WEBJAR_PROPERTIES =
      "META-INF/maven/org.webjars.npm/echarts/pom.properties";

  private HtmlPage() {}

  /**
   * Makes the page.
   *
   * @param json the report
   */
  static String of(String json) throws IOException {
    return text("report.html")
        .replace("/* STYLE */", text("report.css"))
        .replace("/* CHARTS */", inScript(library()))
        .replace("/* SCRIPT */", text("report.js"))
        .replace("/* DATA */", inScript(json));
  }

  /** Inside a script element nothing may look like its end. */
  private static String inScript(String text) {
    return text.replace("</", "<\\/");
  }

  private static String library() throws IOException {
    var properties = new Properties();
    try (var stream = resource(WEBJAR_PROPERTIES)) {
      properties.load(stream);
    }
    try (var stream =
        resource(WEBJAR + properties.getProperty("version") + "/dist/echarts.min.js")) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static InputStream resource(String name) throws IOException {
    var stream = HtmlPage.class.getClassLoader().getResourceAsStream(name);
    if (stream == null) {
      throw new IOException("the charts' library is not on the class path: " + name);
    }
    return stream;
  }

  private static String text(String name) throws IOException {
    try (var stream = HtmlPage.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IOException("not on the class path: " + name);
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
