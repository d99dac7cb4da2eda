package io.gyre.benchmarks.peer;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringBufferRingConfig;
import io.netty.channel.uring.IoUringChannelOption;
import io.netty.channel.uring.IoUringFixedBufferRingAllocator;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringIoHandlerConfig;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/**
 * Netty with one event loop, pooled buffers and no leak detection. Writes are flushed once all that was readable has
 * been read. Over io_uring it receives by multishot out of a ring of buffers where the kernel has them.
 */
final class NettyEcho implements EchoServer {
  /** What carries the bytes. */
  enum Transport {
    NIO,
    EPOLL,
    IO_URING
  }

  private static final short BUFFER_GROUP = 0;
  private static final short BUFFER_RING_SIZE = 1024;

  private final EventLoopGroup group;
  private final Channel listener;
  private final String name;

  NettyEcho(Transport transport, InetSocketAddress address, int bufferBytes, EchoCounters counters)
      throws IOException {
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    name = EchoPeer.valueOf("NETTY_" + transport.name()).label();
    var allocator = PooledByteBufAllocator.DEFAULT;
    var bootstrap =
        new ServerBootstrap()
            .channel(channelClass(transport))
            .option(ChannelOption.SO_BACKLOG, PeerMain.BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(ChannelOption.ALLOCATOR, allocator)
            .childOption(
                ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(bufferBytes))
            .childHandler(new Echo(counters));
    if (transport == Transport.IO_URING && IoUring.isRegisterBufferRingSupported()) {
      bootstrap.childOption(IoUringChannelOption.IO_URING_BUFFER_GROUP_ID, BUFFER_GROUP);
    }
    group = new MultiThreadIoEventLoopGroup(1, handlers(transport, allocator, bufferBytes));
    var bound = bootstrap.group(group).bind(address).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      var _ = group.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      throw new IOException(address + ": " + bound.cause().getMessage(), bound.cause());
    }
    listener = bound.channel();
  }

  /** Why that transport cannot be had here, or null when it can. */
  static String unavailableBecause(Transport transport) {
    try {
      var cause =
          switch (transport) {
            case NIO -> null;
            case EPOLL -> Epoll.unavailabilityCause();
            case IO_URING -> IoUring.unavailabilityCause();
          };
      return cause == null ? null : reason(cause);
    } catch (LinkageError e) {
      return reason(e);
    }
  }

  /** The innermost cause: the outer ones only say that a class was not initialized. */
  private static String reason(Throwable cause) {
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause.getMessage() == null ? cause.toString() : cause.getMessage();
  }

  private static Class<? extends ServerChannel> channelClass(Transport transport) {
    return switch (transport) {
      case NIO -> NioServerSocketChannel.class;
      case EPOLL -> EpollServerSocketChannel.class;
      case IO_URING -> IoUringServerSocketChannel.class;
    };
  }

  private static IoHandlerFactory handlers(
      Transport transport, PooledByteBufAllocator allocator, int bufferBytes) {
    return switch (transport) {
      case NIO -> NioIoHandler.newFactory();
      case EPOLL -> EpollIoHandler.newFactory();
      case IO_URING -> IoUringIoHandler.newFactory(ring(allocator, bufferBytes));
    };
  }

  private static IoUringIoHandlerConfig ring(PooledByteBufAllocator allocator, int bufferBytes) {
    var config = new IoUringIoHandlerConfig();
    if (IoUring.isRegisterBufferRingSupported()) {
      config.setBufferRingConfig(
          IoUringBufferRingConfig.builder()
              .bufferGroupId(BUFFER_GROUP)
              .bufferRingSize(BUFFER_RING_SIZE)
              .batchSize(BUFFER_RING_SIZE / 2)
              .allocator(new IoUringFixedBufferRingAllocator(allocator, bufferBytes))
              .build());
    }
    return config;
  }

  @ChannelHandler.Sharable
  private static final class Echo extends ChannelInboundHandlerAdapter {
    private final EchoCounters counters;

    Echo(EchoCounters counters) {
      this.counters = counters;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      counters.received();
      int length = ((ByteBuf) message).readableBytes();
      var _ = context.write(message, context.voidPromise());
      counters.echoed(length);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
      context.flush();
    }

    /** A reader that is too slow is read from no more until it has caught up. */
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
      context.channel().config().setAutoRead(context.channel().isWritable());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      var _ = context.close();
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  @Override
  public void close() {
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
