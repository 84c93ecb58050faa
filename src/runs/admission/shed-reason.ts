/**
 * Why a run was not taken in; the label of `agent_service_shed_total`.
 * - `line_full`: as many wait as may
 * - `too_late`: it could not be expected to be answered in time
 * - `gave_way`: it was in line, for a tenant with many there, and one of a tenant with few came
 * - `deadline`: it was in line until its time was over
 * - `callers_waiting`: too many wait for runs that are queued for their sessions
 * - `event_loop`: the process answers too slowly
 */
export type ShedReason = 'line_full' | 'too_late' | 'gave_way' | 'deadline' | 'callers_waiting' | 'event_loop';
