package io.gyre.driver;

import io.gyre.BufferPool;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A driver that keeps what it is given, so that a test decides when and how each operation ends.
 */
class FakeDriver implements Driver {
  final List<Operation> submitted = new ArrayList<>();
  final List<String> calls = new ArrayList<>();
  Consumer<Descriptor> onCancelAll = descriptor -> {};

  /** A descriptor of nothing. */
  static final class FakeDescriptor extends Descriptor {
    FakeDescriptor(String subject) {
      super(subject);
    }
  }

  @Override
  public void submit(Operation operation) {
    submitted.add(operation);
    calls.add("submit " + operation.code() + " " + operation.subject());
  }

  @Override
  public void cancel(Operation operation) {
    calls.add("cancel " + operation.code() + " " + operation.subject());
  }

  @Override
  public void cancelAll(Descriptor descriptor) {
    calls.add("cancel all of " + descriptor.subject());
    onCancelAll.accept(descriptor);
  }

  @Override
  public void cancelAll() {
    calls.add("cancel all");
  }

  @Override
  public int turn(long timeoutNanos, int budget) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean poll() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void wakeUp() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void register(BufferPool pool) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Descriptor listen(ListenRequest request) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Descriptor socket(InetSocketAddress remote) {
    throw new UnsupportedOperationException();
  }

  @Override
  public InetSocketAddress localAddress(Descriptor socket) {
    throw new UnsupportedOperationException();
  }

  @Override
  public InetSocketAddress remoteAddress(Descriptor socket) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void bind(Descriptor socket, InetSocketAddress local) {
    throw new UnsupportedOperationException();
  }

  @Override
  public <T> T getOption(Descriptor socket, SocketOption<T> option) {
    throw new UnsupportedOperationException();
  }

  @Override
  public <T> void setOption(Descriptor socket, SocketOption<T> option, T value) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Capabilities capabilities() {
    return new Capabilities("fake", List.of());
  }

  @Override
  public DriverCounters counters() {
    return new DriverCounters();
  }

  @Override
  public void close(boolean drained) {
    calls.add("close " + drained);
  }
}
