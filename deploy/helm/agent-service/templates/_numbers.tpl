{{- /* Numbers that are computed from values. Each has one definition, which the objects, the guards and the notes use. */ -}}

{{- /*
Seconds that the process needs after SIGTERM besides PRESTOP_DELAY and SHUTDOWN_GRACE: 5 s for a start that is still in
progress, 5 s to record interrupted runs, 5 s to close its resources, and 1 s until it ends itself by force
(src/process/exit.ts).
*/ -}}
{{- define "agent-service.closingSeconds" -}}16{{- end -}}

{{- /* Maximum time in seconds from the deletion of a pod to the end of its process. */ -}}
{{- define "agent-service.stopSeconds" -}}
{{- $config := .Values.config -}}
{{- addf .Values.shutdown.preStopSleepSeconds (float64 $config.PRESTOP_DELAY) (float64 $config.SHUTDOWN_GRACE) (float64 (include "agent-service.closingSeconds" .)) | ceil | int64 -}}
{{- end -}}

{{- define "agent-service.terminationGracePeriodSeconds" -}}
{{- $computed := add (int64 (include "agent-service.stopSeconds" .)) 5 -}}
{{- int64 (default $computed .Values.shutdown.terminationGracePeriodSeconds) -}}
{{- end -}}

{{- /* Whether something other than replicaCount decides the number of pods. */ -}}
{{- define "agent-service.autoscaled" -}}
{{- if or .Values.autoscaling.enabled .Values.autoscaling.managedElsewhere -}}true{{- end -}}
{{- end -}}

{{- /* Minimum number of pods of a Deployment. */ -}}
{{- define "agent-service.replicasMin" -}}
{{- $counts := list (ternary .Values.autoscaling.minReplicas (default 1 .Values.replicaCount) .Values.autoscaling.enabled) -}}
{{- if .Values.worker.enabled -}}
{{- $counts = append $counts (ternary .Values.worker.minReplicas (default 1 .Values.worker.replicaCount) .Values.autoscaling.enabled) -}}
{{- end -}}
{{- $fewest := int64 (first $counts) -}}
{{- range $counts -}}
{{- $fewest = min $fewest (int64 .) -}}
{{- end -}}
{{- $fewest -}}
{{- end -}}

{{- /* A number of pods, or a percentage of them, rounded up as Kubernetes does. Parameters: of, value. */ -}}
{{- define "agent-service.share" -}}
{{- if hasSuffix "%" (toString .value) -}}
{{- divf (mulf .of (trimSuffix "%" .value | float64)) 100 | ceil | int64 -}}
{{- else -}}
{{- int64 .value -}}
{{- end -}}
{{- end -}}

{{- /* Maximum number of pods at once, including the surge of a rolling update. Parameters: root, count, max. */ -}}
{{- define "agent-service.podsMax" -}}
{{- $pods := int64 (default 1 .count) -}}
{{- if .root.Values.autoscaling.enabled -}}
{{- $pods = max $pods (int64 .max) -}}
{{- end -}}
{{- add $pods (include "agent-service.share" (dict "of" $pods "value" .root.Values.rollout.maxSurge) | int64) -}}
{{- end -}}

{{- /* Connections that a pod holds: its pool, and one for notifications and its lock. */ -}}
{{- define "agent-service.podConnections" -}}
{{- add (int64 .Values.config.DATABASE_POOL_MAX) 1 -}}
{{- end -}}

{{- /* Maximum number of processes at once: a pod has one. */ -}}
{{- define "agent-service.processesMax" -}}
{{- $pods := int64 (include "agent-service.podsMax" (dict "root" . "count" .Values.replicaCount "max" .Values.autoscaling.maxReplicas)) -}}
{{- if .Values.worker.enabled -}}
{{- $pods = add $pods (int64 (include "agent-service.podsMax" (dict "root" . "count" .Values.worker.replicaCount "max" .Values.worker.maxReplicas))) -}}
{{- end -}}
{{- $pods -}}
{{- end -}}

{{- /* Maximum number of database connections of all processes. */ -}}
{{- define "agent-service.connectionsMax" -}}
{{- mul (int64 (include "agent-service.processesMax" .)) (int64 (include "agent-service.podConnections" .)) -}}
{{- end -}}

{{- /* Target demand of a pod (runs queued plus running), in thousandths: AverageValue is a quantity, and 0.75 × 50 is no whole number. */ -}}
{{- define "agent-service.demandMilli" -}}
{{- round (mulf (float64 .Values.config.MAX_CONCURRENT_RUNS) .Values.autoscaling.demand.targetRatio 1000) 0 | int64 -}}
{{- end -}}

{{- /* A number of thousandths as Kubernetes writes quantities: 37500m, but 60 for 60000m. */ -}}
{{- define "agent-service.quantity" -}}
{{- $milli := int64 . -}}
{{- if eq (mod $milli 1000) 0 -}}{{ div $milli 1000 }}{{- else -}}{{ $milli }}m{{- end -}}
{{- end -}}

{{- /* Labels that select this release's metrics in Prometheus, besides the namespace. */ -}}
{{- define "agent-service.metricSelector" -}}
{{- default (dict "app_kubernetes_io_instance" .Release.Name) .Values.metrics.selector | toYaml -}}
{{- end -}}

{{- /* The same as a PromQL selector, with the namespace. */ -}}
{{- define "agent-service.promSelector" -}}
{{- $labels := list (printf "namespace=%q" .Release.Namespace) -}}
{{- range $name, $value := (include "agent-service.metricSelector" . | fromYaml) -}}
{{- $labels = append $labels (printf "%s=%q" $name $value) -}}
{{- end -}}
{{- join "," $labels -}}
{{- end -}}
