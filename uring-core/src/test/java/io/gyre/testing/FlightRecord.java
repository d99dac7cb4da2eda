package io.gyre.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** A Flight Recorder recording of Gyre's events alone, read when it has ended. */
public final class FlightRecord implements AutoCloseable {
  private static final List<String> TYPES =
      List.of(
          "SubmissionBatch",
          "CompletionBatch",
          "LongTurn",
          "Overflow",
          "OutOfBuffers",
          "Cancel",
          "Stall");

  private final Recording recording = new Recording();

  private FlightRecord() {}

  /** Starts to record these events, however short; the names are without {@code io.gyre}. */
  public static FlightRecord of(String... names) {
    return start(
        recording -> {
          for (var name : names) {
            recording.enable("io.gyre." + name).withThreshold(Duration.ZERO);
          }
        });
  }

  /** Starts to record with other settings; what they do not enable is off. */
  public static FlightRecord start(Consumer<Recording> settings) {
    var record = new FlightRecord();
    TYPES.forEach(name -> record.recording.disable("io.gyre." + name));
    settings.accept(record.recording);
    record.recording.start();
    return record;
  }

  /** Stops recording; gives what was recorded, in the order of time. */
  public List<RecordedEvent> stop() {
    recording.stop();
    try {
      var file = Files.createTempFile("gyre-", ".jfr");
      try {
        recording.dump(file);
        return eventsOf(file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<RecordedEvent> eventsOf(Path file) throws IOException {
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().startsWith("io.gyre."))
        .toList();
  }

  @Override
  public void close() {
    recording.close();
  }
}
