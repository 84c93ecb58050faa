{{- /* Data of the ConfigMap: the settings of values.config, and those that the chart sets itself. */ -}}
{{- define "agent-service.configData" -}}
{{- $settings := dict "HOST" "0.0.0.0" "PORT" "8000" "METRICS_PORT" "9464" "WEB_CONCURRENCY" "1" -}}
{{- if eq .Values.database.mode "embedded" -}}
{{- $_ := set $settings "DATA_DIR" "/data" -}}
{{- end -}}
{{- range $name, $value := .Values.config -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $settings $name (include "agent-service.text" $value) -}}
{{- end -}}
{{- end -}}
{{- if .Values.inference.enabled -}}
{{- $settings = merge (include "agent-service.inference.settings" . | fromYaml) $settings -}}
{{- end -}}
{{- range $name, $value := $settings }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}
