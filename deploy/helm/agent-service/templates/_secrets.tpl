{{- /* The spec of an ExternalSecret: what it reads, and the Secret that it creates. Parameters: root, target. */ -}}
{{- define "agent-service.externalSecretSpec" -}}
{{- with .root.Values.secret.external -}}
refreshInterval: {{ .refreshInterval }}
secretStoreRef:
  {{- toYaml .secretStoreRef | nindent 2 }}
target: { name: {{ $.target }}, creationPolicy: Owner }
{{- with .dataFrom }}
dataFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .data }}
data:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{- end -}}
