/** Files over the runtime. Start at {@link io.gyre.fs.AsyncFile}. */
module io.gyre.fs {
  requires transitive io.gyre;

  exports io.gyre.fs;
}
