package io.gyre.nio;

import io.gyre.testing.TimerContract;

/** Timers keep their contract on NIO. */
class NioTimerTest extends TimerContract {}
