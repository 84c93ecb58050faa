{{- /* Names, labels, the image, and settings as text. */ -}}

{{- define "agent-service.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* At most 46 characters, so that the longest suffix, "-inference-cache", still fits into 63. */ -}}
{{- define "agent-service.fullname" -}}
{{- $name := include "agent-service.name" . -}}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $whole .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{- define "agent-service.selectorLabels" -}}
app.kubernetes.io/name: {{ include "agent-service.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "agent-service.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "agent-service.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "agent-service.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.serviceAccountName" -}}
{{- with .Values.serviceAccount -}}
{{- default (ternary (include "agent-service.fullname" $) "default" .create) .name -}}
{{- end -}}
{{- end -}}

{{- /* A value as text: numbers of a values file are floats, and a large one must not become 5e+06. */ -}}
{{- define "agent-service.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{ int64 . }}
{{- else -}}
{{ . }}
{{- end -}}
{{- end -}}

{{- /* `command` and `args` of a container that runs the agent-service command line. Parameters: root, args. */ -}}
{{- define "agent-service.commandLine" -}}
{{- with .root.Values.image.commandLine -}}
command: {{ toJson . }}
{{ end -}}
args: {{ toJson .args }}
{{- end -}}

{{- /* Pod Security Standard "restricted", and stricter settings. */ -}}
{{- define "agent-service.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "agent-service.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Egress rule for a model provider that is not at a public TLS address on port 443. Inside the cluster the rule allows all
namespaces on the provider's port. Elsewhere it allows the port only, since a NetworkPolicy cannot match host names. For a
public provider on port 443 the rule is empty. */}}
{{- define "agent-service.providerEgress" -}}
{{- $parsed := urlParse . -}}
{{- $host := $parsed.hostname | default "" -}}
{{- $port := regexFind ":[0-9]+$" ($parsed.host | default "") | trimPrefix ":" | default (ternary "80" "443" (eq $parsed.scheme "http")) | int -}}
{{- $isInside := regexMatch "(^[^.]+$|[.]svc$|[.]svc[.]|[.]cluster[.]local$)" $host -}}
{{- if and $host (or $isInside (ne $port 443)) -}}
- {{ if $isInside -}}
  to:
    - namespaceSelector: {}
  {{ end -}}
  ports:
    - { port: {{ $port }}, protocol: TCP }
{{- end -}}
{{- end -}}

{{- /* Egress rule of a NetworkPolicy: TLS to public addresses, except the metadata addresses that hand out cloud credentials. */ -}}
{{- define "agent-service.publicHttps" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
    - ipBlock:
        cidr: ::/0
        except: ["fc00::/7", "fe80::/10"]
  ports:
    - { port: 443, protocol: TCP }
{{- end -}}
