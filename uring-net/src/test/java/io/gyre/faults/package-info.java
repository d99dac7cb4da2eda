/**
 * Faults of the system around a runtime: limits, filters, interrupted and failing system calls, and
 * the end of a runtime under load. On the real kernel, in processes of their own where a fault would
 * hit the whole process.
 */
package io.gyre.faults;
