package io.gyre.fs;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** How {@link AsyncFiles#replace} replaces a file. */
public enum ReplaceOption {
  /** The new file has the permissions of the one that it replaces, if there is one. */
  KEEP_PERMISSIONS;

  static Set<ReplaceOption> set(ReplaceOption... options) {
    var set = EnumSet.noneOf(ReplaceOption.class);
    set.addAll(List.of(options));
    return set;
  }
}
