/**
 * A static file server over HTTP/1.1 (RFC 9110, RFC 9112), written over the public API alone: what {@code ./gyre serve}
 * runs. {@link io.gyre.benchmarks.http.HttpServer} is what others use.
 *
 * <pre>
 *   HttpServer -- one for each loop --> HttpLoop -- one for each connection --> HttpConnection
 *
 *   received bytes --> RequestParser --> Request --> Exchange --> Response --> ResponseSender --> the stream
 *                                                       |
 *                                        RequestPath, Lookup, Conditions, ByteRange
 * </pre>
 *
 * <p>All but the server itself is confined to the thread of a loop. A connection answers one request after the other; what
 * comes in meanwhile waits, and holds the peer back when it is much. How much of a loop's buffers the connections of one
 * address may hold is {@link io.gyre.benchmarks.http.BufferShares}' affair, and {@link io.gyre.benchmarks.http.StuckReaders}'
 * who has to let go of them.
 */
package io.gyre.benchmarks.http;
