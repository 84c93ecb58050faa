{{- /* One alert. Parameters: root, name, expr, for, severity, summary, description, section (of docs/runbook.md). */ -}}
{{- define "agent-service.alert" -}}
{{- $rule := .root.Values.prometheusRule -}}
- alert: {{ .name }}
  expr: {{ .expr | trim | quote }}
  {{- with .for }}
  for: {{ . }}
  {{- end }}
  labels:
    severity: {{ .severity }}
    {{- with $rule.alertLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    summary: {{ .summary | quote }}
    description: {{ .description | quote }}
    {{- with $rule.runbookUrl }}
    runbook_url: {{ . }}#{{ $.section }}
    {{- else }}
    runbook: docs/runbook.md#{{ .section }}
    {{- end }}
{{- end -}}

{{- /* Labels of a monitor or a rule, by which the operator's Prometheus selects it. */ -}}
{{- define "agent-service.monitorLabels" -}}
{{ include "agent-service.labels" . }}
{{- with .Values.metrics.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
