/**
 * What Gyre tells JDK Flight Recorder. Not exported: a recording is all that is needed to see it ({@code
 * -XX:StartFlightRecording}, {@code jcmd PID JFR.start}), and each event says of itself what it means.
 *
 * <p>{@code io.gyre.LongTurn}, {@code Stall}, {@code Overflow}, {@code OutOfBuffers} and {@code Cancel} are on in any
 * recording. {@code SubmissionBatch} and {@code CompletionBatch}, one or two for each turn, are for those who ask:
 * {@code jcmd PID JFR.start io.gyre.SubmissionBatch#enabled=true}.
 *
 * <p>Only {@link io.gyre.telemetry.FlightEvents} may be touched where the module {@code jdk.jfr} may be missing; all
 * else here is loaded by it, or after asking it.
 */
package io.gyre.telemetry;
