{{- define "agent-service.behavior" -}}
{{- with .Values.autoscaling -}}
scaleUp:
  stabilizationWindowSeconds: {{ .scaleUp.stabilizationWindowSeconds }}
  selectPolicy: Max
  policies:
    - { type: Pods, value: {{ .scaleUp.pods }}, periodSeconds: {{ .scaleUp.periodSeconds }} }
scaleDown:
  stabilizationWindowSeconds: {{ .scaleDown.stabilizationWindowSeconds }}
  selectPolicy: Max
  policies:
    - { type: Pods, value: {{ .scaleDown.pods }}, periodSeconds: {{ .scaleDown.periodSeconds }} }
{{- end -}}
{{- end -}}

{{- /* An external metric of a HorizontalPodAutoscaler. Parameters: root, metric, average (a quantity). */ -}}
{{- define "agent-service.externalMetric" -}}
- type: External
  external:
    metric:
      name: {{ .metric }}
      selector:
        matchLabels:
          {{- include "agent-service.metricSelector" .root | nindent 10 }}
    target: { type: AverageValue, averageValue: {{ .average | quote }} }
{{- end -}}

{{- /* Parameters: root, name, component, min, max. */ -}}
{{- define "agent-service.hpa" -}}
{{- $scaling := .root.Values.autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "agent-service.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ .name }} }
  minReplicas: {{ .min }}
  maxReplicas: {{ .max }}
  metrics:
    {{- if $scaling.cpu.enabled }}
    - type: Resource
      resource:
        name: cpu
        target: { type: Utilization, averageUtilization: {{ $scaling.cpu.averageUtilization }} }
    {{- end }}
    {{- if $scaling.demand.enabled }}
    {{- $average := include "agent-service.quantity" (include "agent-service.demandMilli" .root) }}
    {{- include "agent-service.externalMetric" (dict "root" .root "metric" "agent_service_demand" "average" $average) | nindent 4 }}
    {{- end }}
  behavior:
    {{- include "agent-service.behavior" .root | nindent 4 }}
{{- end -}}

{{- /* A trigger of a ScaledObject that asks Prometheus. Parameters: root, query, threshold. */ -}}
{{- define "agent-service.prometheusTrigger" -}}
- type: prometheus
  metricType: AverageValue
  metadata:
    serverAddress: {{ .root.Values.metrics.keda.serverAddress }}
    query: {{ .query | quote }}
    threshold: {{ .threshold | quote }}
    ignoreNullValues: "false"
  {{- with .root.Values.metrics.keda.authenticationRef }}
  authenticationRef: { name: {{ . }} }
  {{- end }}
{{- end -}}

{{- /* Parameters: root, name, component, min, max, fallback. */ -}}
{{- define "agent-service.scaledObject" -}}
{{- $root := .root -}}
{{- $scaling := $root.Values.autoscaling -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "agent-service.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ .name }} }
  minReplicaCount: {{ .min }}
  maxReplicaCount: {{ .max }}
  pollingInterval: {{ $root.Values.metrics.keda.pollingInterval }}
  {{- if $scaling.demand.enabled }}
  fallback: { failureThreshold: 3, replicas: {{ .fallback }} }
  {{- end }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- include "agent-service.behavior" $root | nindent 8 }}
  triggers:
    {{- if $scaling.cpu.enabled }}
    - type: cpu
      metricType: Utilization
      metadata: { value: {{ $scaling.cpu.averageUtilization | quote }} }
    {{- end }}
    {{- if $scaling.demand.enabled }}
    {{- $of := include "agent-service.promSelector" $root }}
    {{- $query := printf "max(agent_service_demand{%s}) + (sum(agent_service_admission_waiting{%s}) or vector(0))" $of $of }}
    {{- $threshold := divf (include "agent-service.demandMilli" $root | float64) 1000 }}
    {{- include "agent-service.prometheusTrigger" (dict "root" $root "query" $query "threshold" $threshold) | nindent 4 }}
    {{- end }}
{{- end -}}
