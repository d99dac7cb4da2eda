package io.gyre.fs;

import io.gyre.driver.FileStatus;
import io.gyre.driver.FileType;
import java.nio.file.Path;

/**
 * What a walk has come upon.
 *
 * @param path the root's path, as it was given, and the names down to this entry
 * @param depth 0 for the root
 * @param type what it is; with links followed, what the link leads to, unless that leads nowhere
 * @param status what there is to know of it, or null where that was not asked for
 */
public record TreeEntry(Path path, int depth, FileType type, FileStatus status) {}
