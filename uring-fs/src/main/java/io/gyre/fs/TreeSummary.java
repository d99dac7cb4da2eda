package io.gyre.fs;

/**
 * What {@link FileTree} has done, or has done so far.
 *
 * @param files how many regular files
 * @param directories how many directories, the root included
 * @param symbolicLinks how many symbolic links that were not followed
 * @param others how many of what is neither: pipes, sockets, devices
 * @param bytes the sum of the files' sizes, for a walk with status; the content copied, holes left out, for a copy; else 0
 * @param failures how many entries failed, where it was decided to go on
 */
public record TreeSummary(
    long files, long directories, long symbolicLinks, long others, long bytes, long failures) {}
