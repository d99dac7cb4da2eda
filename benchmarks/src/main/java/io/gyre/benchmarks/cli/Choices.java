package io.gyre.benchmarks.cli;

import java.util.Arrays;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads one of an enum's values by its lower-case name; a typo is answered with what there is. */
abstract class Choices<E extends Enum<E>> implements ITypeConverter<E> {
  private final Class<E> type;

  Choices(Class<E> type) {
    this.type = type;
  }

  @Override
  public E convert(String value) {
    for (var choice : type.getEnumConstants()) {
      if (choice.name().equalsIgnoreCase(value)) {
        return choice;
      }
    }
    var all =
        Arrays.stream(type.getEnumConstants())
            .map(Object::toString)
            .collect(Collectors.joining(", "));
    throw new TypeConversionException("it must be one of " + all + ", not '" + value + "'");
  }
}
