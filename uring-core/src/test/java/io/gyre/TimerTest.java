package io.gyre;

import io.gyre.testing.TimerContract;

/** The contract of timers, on the drivers of this module. */
class TimerTest extends TimerContract {}
