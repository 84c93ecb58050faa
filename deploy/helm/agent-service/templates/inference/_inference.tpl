{{- define "agent-service.inference.servedModelName" -}}
{{- default .Values.inference.model .Values.inference.servedModelName -}}
{{- end -}}

{{- define "agent-service.inference.image" -}}
{{- with .Values.inference.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Settings with which the service calls the pool, as the first provider or as the fallback provider. */ -}}
{{- define "agent-service.inference.settings" -}}
{{- $url := printf "http://%s-inference:8000/v1" (include "agent-service.fullname" .) -}}
{{- $model := include "agent-service.inference.servedModelName" . -}}
{{- if eq .Values.inference.role "first" -}}
OPENAI_BASE_URL: {{ $url }}
OPENAI_API: chat_completions
OPENAI_MODEL: {{ $model | quote }}
{{- else -}}
FALLBACK_OPENAI_BASE_URL: {{ $url }}
FALLBACK_OPENAI_API: chat_completions
FALLBACK_OPENAI_MODEL: {{ $model | quote }}
{{- end -}}
{{- end -}}

{{- /* Maximum time in seconds from the deletion of a pod of the pool to the end of its process. */ -}}
{{- define "agent-service.inference.stopSeconds" -}}
{{- with .Values.inference.shutdown -}}
{{- add (int64 .preStopSleepSeconds) (int64 .timeoutSeconds) -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.inference.terminationGracePeriodSeconds" -}}
{{- $computed := add (int64 (include "agent-service.inference.stopSeconds" .)) 15 -}}
{{- int64 (default $computed .Values.inference.shutdown.terminationGracePeriodSeconds) -}}
{{- end -}}

{{- /* Maximum number of pods of the pool. */ -}}
{{- define "agent-service.inference.podsMax" -}}
{{- with .Values.inference -}}
{{- ternary .autoscaling.maxReplicas .replicaCount .autoscaling.enabled | int64 -}}
{{- end -}}
{{- end -}}

{{- /* Target number of running requests of a pod of the pool, in thousandths. */ -}}
{{- define "agent-service.inference.runningMilli" -}}
{{- with .Values.inference -}}
{{- round (mulf .maxNumSeqs .autoscaling.runningRatio 1000) 0 | int64 -}}
{{- end -}}
{{- end -}}

{{- /* Scaling behaviour of the pool. A pod takes minutes to start, and its GPU node minutes to be added, so the pool scales
down more slowly than the service. */ -}}
{{- define "agent-service.inference.behavior" -}}
scaleUp:
  stabilizationWindowSeconds: 60
  selectPolicy: Max
  policies:
    - { type: Pods, value: 2, periodSeconds: 60 }
scaleDown:
  stabilizationWindowSeconds: 900
  selectPolicy: Max
  policies:
    - { type: Pods, value: 1, periodSeconds: 300 }
{{- end -}}
