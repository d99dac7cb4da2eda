/**
 * What Gyre is held against, each as its own community would write it: echo servers over the JDK's and Netty's
 * transports, and files over the JDK's channels and {@link java.nio.file.Files}.
 *
 * <p>{@link io.gyre.benchmarks.peer.PeerMain} runs one {@link io.gyre.benchmarks.peer.EchoPeer} as a process, {@link
 * io.gyre.benchmarks.peer.FilePeerMain} one {@link io.gyre.benchmarks.peer.FilePeer}, {@link
 * io.gyre.benchmarks.peer.UdpPeerMain} a server of datagrams: a whole process is what is
 * measured. Nothing here runs on Gyre.
 */
package io.gyre.benchmarks.peer;
