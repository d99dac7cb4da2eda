package io.gyre.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** How configuration names the features that are not to be used. */
public final class FeatureNames {
  private FeatureNames() {}

  /**
   * The names in a list.
   *
   * @param list separated by commas; blanks around names, upper case and empty names don't count
   * @return the names, in lower case
   */
  public static List<String> in(String list) {
    var names = new ArrayList<String>();
    for (var name : list.split(",", -1)) {
      if (!name.isBlank()) {
        names.add(name.strip().toLowerCase(Locale.ROOT));
      }
    }
    return names;
  }
}
