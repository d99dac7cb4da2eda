/**
 * What Gyre is held against, each as its own community would write it: echo servers over the JDK's and Netty's
 * transports, and random file reads over the JDK's channels.
 *
 * <p>{@link io.gyre.benchmarks.peer.PeerMain} runs one {@link io.gyre.benchmarks.peer.EchoPeer} as a process, {@link
 * io.gyre.benchmarks.peer.ReadPeerMain} one {@link io.gyre.benchmarks.peer.ReadPeer}: a whole process is what is
 * measured. Nothing here runs on Gyre.
 */
package io.gyre.benchmarks.peer;
