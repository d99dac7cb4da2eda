package io.gyre.benchmarks.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * nginx with one worker and a configuration of its own: the kernel sends files (sendfile), connections are kept however
 * many requests they bring, nothing is logged, and files are opened for each request, as its default is and as Gyre does.
 *
 * @see <a href="https://nginx.org/en/docs/http/ngx_http_core_module.html">nginx: sendfile, keepalive_requests</a>
 */
final class Nginx {
  static final String PROGRAM = "nginx";

  /** Where Debian has it, which is on the path of administrators only. */
  private static final Path ADMINISTRATORS = Path.of("/usr/sbin", PROGRAM);

  private static final double VERSION_SECONDS = 5;

  private Nginx() {}

  /** Why it can't run, or null. */
  static String missingBecause() {
    return Files.isExecutable(ADMINISTRATORS) ? null : Programs.missingBecause(PROGRAM, PROGRAM);
  }

  private static String program() {
    return Files.isExecutable(ADMINISTRATORS) ? ADMINISTRATORS.toString() : PROGRAM;
  }

  /** For people. */
  static String version(Processes processes) throws InterruptedException {
    try {
      var output = processes.run(List.of(program(), "-v"), VERSION_SECONDS);
      return output.errorLines().isEmpty() ? "unknown" : output.errorLines().getFirst();
    } catch (IOException e) {
      return "none";
    }
  }

  /** The program and its arguments, once its configuration is written. */
  static List<String> command(Path site, int port, Path scratch) throws IOException {
    var file = scratch.resolve("nginx.conf");
    Files.writeString(file, configuration(site.toAbsolutePath(), port, scratch.toAbsolutePath()));
    return List.of(
        program(),
        "-p",
        scratch.toAbsolutePath().toString(),
        "-e",
        scratch.toAbsolutePath().resolve("error.log").toString(),
        "-c",
        file.toAbsolutePath().toString());
  }

  static String configuration(Path site, int port, Path scratch) {
    var user = System.getProperty("user.name");
    return """
    daemon off;
    %s
    worker_processes 1;
    pid %s/nginx.pid;
    error_log %s/error.log crit;
    events {
      worker_connections 4096;
    }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      keepalive_timeout 65;
      keepalive_requests 1000000000;
      default_type application/octet-stream;
      client_body_temp_path %s;
      proxy_temp_path %s;
      fastcgi_temp_path %s;
      uwsgi_temp_path %s;
      scgi_temp_path %s;
      server {
        listen 127.0.0.1:%d backlog=4096;
        root "%s";
      }
    }
    """
        .formatted(
            user.equals("root") ? "user root;" : "", // else its worker is somebody else
            scratch,
            scratch,
            scratch,
            scratch,
            scratch,
            scratch,
            scratch,
            port,
            site);
  }
}
