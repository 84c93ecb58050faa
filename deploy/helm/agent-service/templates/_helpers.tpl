{{- /* Names, labels, the image, and settings as text. */ -}}

{{- define "agent-service.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Room is left for the longest suffix of ours, "-inference-cache". */ -}}
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

{{- /* A command of the image's command line, as the lines of a container. Parameters: root, args. */ -}}
{{- define "agent-service.commandLine" -}}
{{- with .root.Values.image.commandLine -}}
command: {{ toJson . }}
{{ end -}}
args: {{ toJson .args }}
{{- end -}}

{{- /* Pod Security "restricted", and what goes beyond it. */ -}}
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

{{/* The way to a model provider that is not public, by TLS on port 443: in the cluster to it, elsewhere by its port, since
a policy knows no names. Nothing for one that is. */}}
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

{{- /* A rule of a NetworkPolicy: TLS to public addresses, but not where clouds hand out credentials. */ -}}
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
