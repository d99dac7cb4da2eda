package io.gyre.driver;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a driver found and what it uses.
 *
 * @param driver the driver's name, {@code uring} or {@code nio}
 * @param features each feature by name, with what became of it
 */
public record Capabilities(String driver, List<Feature> features) {
  /** Takes a copy of the list. */
  public Capabilities {
    Objects.requireNonNull(driver, "driver");
    features = List.copyOf(features);
  }

  /** What became of a feature. */
  public enum Status {
    /** The kernel has it and the driver uses it. */
    USED,
    /** This kernel or platform does not have it; the driver does without. */
    ABSENT,
    /** The kernel refused it: it does not know it, or a limit is too low. */
    REFUSED,
    /** The kernel has it, but at start-up it did not do what it should; the driver does without. */
    FAILED_SELF_TEST,
    /** Configuration says that it is not to be used. */
    SWITCHED_OFF,
    /** Done by other means with the same visible result. */
    EMULATED
  }

  /**
   * One feature.
   *
   * @param name the name that configuration or the kernel's documentation uses
   * @param status what became of it
   * @param detail why, or how much; empty where there is nothing to say
   */
  public record Feature(String name, Status status, String detail) {
    /** Refuses nulls. */
    public Feature {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(status, "status");
      Objects.requireNonNull(detail, "detail");
    }
  }

  /**
   * What became of a feature.
   *
   * @param name its name
   * @return empty when it is not listed
   */
  public Optional<Feature> feature(String name) {
    return features.stream().filter(f -> f.name().equals(name)).findFirst();
  }

  /**
   * Whether a feature is in use.
   *
   * @param name its name
   * @return true when it is listed as used
   */
  public boolean uses(String name) {
    return feature(name).filter(f -> f.status() == Status.USED).isPresent();
  }
}
