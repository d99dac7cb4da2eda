/**
 * Sockets whose operations complete later.
 *
 * <p>{@link io.gyre.net.TcpListener} accepts on one loop, {@link io.gyre.net.TcpServer} for all of a runtime; {@link
 * io.gyre.net.TcpStream} connects, receives and writes; what streams of bytes have in common, whatever carries them, is
 * {@link io.gyre.net.ByteStream}, and what sockets among them have {@link io.gyre.net.SocketStream}. {@link
 * io.gyre.net.UdpSocket} sends and receives datagrams. They are written over
 * the driver SPI ({@code io.gyre.driver}) and know no driver: on io_uring one multishot operation accepts every connection
 * of a listener and one receives all data of a stream, into buffers that the kernel picks when data is there; on NIO a
 * Selector does the same.
 */
package io.gyre.net;
