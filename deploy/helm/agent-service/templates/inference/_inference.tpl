{{- define "agent-service.inference.servedModelName" -}}
{{- default .Values.inference.model .Values.inference.servedModelName -}}
{{- end -}}

{{- /* The settings by which the service asks the pool, as the first provider or as the fallback. */ -}}
{{- define "agent-service.inference.settings" -}}
{{- $url := printf "http://%s-inference:8000/v1" (include "agent-service.fullname" .) -}}
{{- $model := include "agent-service.inference.servedModelName" . -}}
{{- if eq .Values.inference.role "first" -}}
OPENAI_BASE_URL: {{ $url }}
OPENAI_API: chat_completions
OPENAI_MODEL: {{ $model | quote }}
{{- else -}}
FALLBACK_OPENAI_BASE_URL: {{ $url }}
FALLBACK_OPENAI_MODEL: {{ $model | quote }}
{{- end -}}
{{- end -}}
