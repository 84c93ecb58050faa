/**
 * Why a run was refused; the label of `agent_service_shed_total`.
 * - `line_full`: the queue for slots is full
 * - `too_late`: the run would probably end after its deadline
 * - `gave_way`: the queue was full, and the run of a tenant with many waiters was evicted for a tenant with fewer
 * - `deadline`: the run waited in the queue until its deadline
 * - `callers_waiting`: too many callers wait for runs that are queued for their sessions
 * - `event_loop`: the event loop of the process is too slow
 */
export type ShedReason = 'line_full' | 'too_late' | 'gave_way' | 'deadline' | 'callers_waiting' | 'event_loop';
