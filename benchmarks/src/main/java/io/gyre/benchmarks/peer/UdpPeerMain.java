package io.gyre.benchmarks.peer;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Sends datagrams back, or only receives them, over a {@link DatagramChannel}: one thread that blocks, which is what
 * costs least there. The protocol is that of {@link PeerMain}.
 */
@Command(name = "udp-peer", description = "Runs the server of datagrams that Gyre is held against.")
public final class UdpPeerMain implements Callable<Integer> {
  private static final int BUFFER_BYTES = 2048;

  @Spec private CommandSpec spec;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      description = "Where to receive (${DEFAULT-VALUE}).")
  private String host;

  @Option(names = "--port", defaultValue = "0", description = "The port (any that is free).")
  private int port;

  @Option(names = "--receive-only", description = "Send nothing back.")
  private boolean receiveOnly;

  @Option(
      names = "--receive-room",
      defaultValue = "4194304",
      description = "Bytes asked for in SO_RCVBUF (${DEFAULT-VALUE}).")
  private int receiveRoom;

  private UdpPeerMain() {}

  /** Runs until SIGTERM. */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new UdpPeerMain()).execute(arguments));
  }

  @Override
  public Integer call() {
    if (port < 0 || port > 65535 || receiveRoom < 1) {
      throw new ParameterException(spec.commandLine(), "a port and a size are needed");
    }
    try (var channel = DatagramChannel.open()) {
      channel.setOption(StandardSocketOptions.SO_RCVBUF, receiveRoom);
      channel.bind(new InetSocketAddress(host, port));
      serve(channel);
    } catch (IOException e) {
      System.err.println(host + ":" + port + ": " + e.getMessage());
      return 1;
    }
    return 0;
  }

  private void serve(DatagramChannel channel) throws IOException {
    var counters = new EchoCounters();
    int bound = ((InetSocketAddress) channel.getLocalAddress()).getPort();
    PeerMain.serve(counters, host + ":" + bound + " peer=datagram-channel");
    var buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    while (true) {
      var sender = channel.receive(buffer.clear());
      counters.received();
      int length = buffer.flip().remaining();
      if (!receiveOnly) {
        channel.send(buffer, sender);
      }
      counters.echoed(length);
    }
  }
}
