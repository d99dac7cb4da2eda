package io.gyre.testing;

import io.gyre.BufferPool;
import io.gyre.driver.Capabilities;
import io.gyre.driver.DatagramSockets;
import io.gyre.driver.Descriptor;
import io.gyre.driver.Driver;
import io.gyre.driver.DriverCounters;
import io.gyre.driver.ListenRequest;
import io.gyre.driver.MovingSocket;
import io.gyre.driver.Operation;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketOption;

/** A driver that does what another one does, but for what a test overrides. */
public class DriverUnderTest implements Driver {
  private final Driver actual;

  /** Has everything done by this one. */
  public DriverUnderTest(Driver actual) {
    this.actual = actual;
  }

  @Override
  public void submit(Operation operation) {
    actual.submit(operation);
  }

  @Override
  public void submitChain(Operation first) {
    actual.submitChain(first);
  }

  @Override
  public void cancel(Operation operation) {
    actual.cancel(operation);
  }

  @Override
  public void cancelAll(Descriptor descriptor) {
    actual.cancelAll(descriptor);
  }

  @Override
  public void cancelAll() {
    actual.cancelAll();
  }

  @Override
  public int turn(long timeoutNanos, int budget) throws IOException {
    return actual.turn(timeoutNanos, budget);
  }

  @Override
  public boolean poll() throws IOException {
    return actual.poll();
  }

  @Override
  public void wakeUp() {
    actual.wakeUp();
  }

  @Override
  public void register(BufferPool pool) {
    actual.register(pool);
  }

  @Override
  public Descriptor listen(ListenRequest request) throws IOException {
    return actual.listen(request);
  }

  @Override
  public MovingSocket detach(Descriptor socket) {
    return actual.detach(socket);
  }

  @Override
  public Descriptor attach(MovingSocket socket) {
    return actual.attach(socket);
  }

  @Override
  public Descriptor socket(InetSocketAddress remote) throws IOException {
    return actual.socket(remote);
  }

  @Override
  public InetSocketAddress localAddress(Descriptor socket) throws IOException {
    return actual.localAddress(socket);
  }

  @Override
  public InetSocketAddress remoteAddress(Descriptor socket) throws IOException {
    return actual.remoteAddress(socket);
  }

  @Override
  public void bind(Descriptor socket, InetSocketAddress local) throws IOException {
    actual.bind(socket, local);
  }

  @Override
  public <T> T getOption(Descriptor socket, SocketOption<T> option) throws IOException {
    return actual.getOption(socket, option);
  }

  @Override
  public <T> void setOption(Descriptor socket, SocketOption<T> option, T value) throws IOException {
    actual.setOption(socket, option, value);
  }

  @Override
  public DatagramSockets datagrams() {
    return actual.datagrams();
  }

  @Override
  public Capabilities capabilities() {
    return actual.capabilities();
  }

  @Override
  public DriverCounters counters() {
    return actual.counters();
  }

  @Override
  public void close(boolean drained) {
    actual.close(drained);
  }
}
