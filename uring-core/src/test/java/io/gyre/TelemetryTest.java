package io.gyre;

import io.gyre.testing.TelemetryContract;

/** What a loop tells about itself, on the drivers of this module. */
class TelemetryTest extends TelemetryContract {}
