{{- /* Environment variables of the service: settings that the chart sets itself, and those of the application (extraEnv). */ -}}
{{- define "agent-service.env" -}}
{{- $root := .root -}}
- { name: PROCESS_ROLE, value: {{ .role }} }
{{- if eq $root.Values.database.mode "bundled" }}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ include "agent-service.fullname" $root }}-postgres, key: DATABASE_URL } }
{{- end }}
{{- with $root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "agent-service.envFrom" -}}
- configMapRef: { name: {{ .Values.configMap.name }} }
{{- if ne .Values.secret.source "none" }}
- secretRef: { name: {{ .Values.secret.name }} }
{{- end }}
{{- with .Values.extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "agent-service.probe" -}}
httpGet: { path: {{ .probe.path }}, port: {{ .port }} }
{{- with .probe.initialDelaySeconds }}
initialDelaySeconds: {{ . }}
{{- end }}
periodSeconds: {{ .probe.periodSeconds }}
timeoutSeconds: {{ .probe.timeoutSeconds }}
failureThreshold: {{ .probe.failureThreshold }}
{{- end -}}

{{- /* Default topology spread constraints of the service's pods: over zones and nodes, as far as possible. */ -}}
{{- define "agent-service.spread" -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "agent-service.selectorLabels" $.root | nindent 6 }}
      app.kubernetes.io/component: {{ $.component }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}

{{- /*
Number of pods. With an autoscaler, an upgrade keeps the current number, so that it does not undo what the autoscaler
has decided. Leaving the number out would scale the Deployment to one pod. Parameters: root, name, count.
*/ -}}
{{- define "agent-service.replicas" -}}
{{- $count := .count -}}
{{- if include "agent-service.autoscaled" .root -}}
{{- with lookup "apps/v1" "Deployment" .root.Release.Namespace .name -}}
{{- $count = .spec.replicas -}}
{{- end -}}
{{- end -}}
{{- if not (kindIs "invalid" $count) -}}
replicas: {{ $count }}
{{- end -}}
{{- end -}}

{{- /* A Deployment of the service. Parameters: root, component, role, name, count, port (of the probes), resources. */ -}}
{{- define "agent-service.deployment" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $embedded := eq $values.database.mode "embedded" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "agent-service.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  {{- with include "agent-service.replicas" . }}
  {{ . }}
  {{- end }}
  revisionHistoryLimit: {{ $values.rollout.revisionHistoryLimit }}
  minReadySeconds: {{ $values.rollout.minReadySeconds }}
  progressDeadlineSeconds: {{ $values.rollout.progressDeadlineSeconds }}
  strategy:
    {{- if $embedded }}
    type: Recreate # the volume and its store are for one process
    {{- else }}
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: {{ $values.rollout.maxSurge }}
    {{- end }}
  selector:
    matchLabels:
      {{- include "agent-service.selectorLabels" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .component }}
  template:
    metadata:
      labels:
        {{- include "agent-service.selectorLabels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
        agent-service/metrics: "true"
        {{- with merge (dict) $values.podLabels $values.commonLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      annotations:
        checksum/config: {{ include "agent-service.configData" $root | sha256sum }}
        {{- if eq $values.secret.source "create" }}
        checksum/secret: {{ toJson $values.secret.values | sha256sum }}
        {{- end }}
        {{- if eq $values.metrics.scrape "annotations" }}
        prometheus.io/scrape: "true"
        prometheus.io/port: "9464"
        prometheus.io/path: /metrics
        {{- end }}
        {{- with $values.podAnnotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "agent-service.serviceAccountName" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ include "agent-service.terminationGracePeriodSeconds" $root }}
      securityContext:
        {{- include "agent-service.podSecurityContext" $values.runAsUser | nindent 8 }}
      {{- with $values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      containers:
        - name: agent-service
          image: {{ include "agent-service.image" $root }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          ports:
            {{- if ne .role "worker" }}
            - { name: http, containerPort: 8000, protocol: TCP }
            {{- end }}
            - { name: metrics, containerPort: 9464, protocol: TCP }
          envFrom:
            {{- include "agent-service.envFrom" $root | nindent 12 }}
          env:
            {{- include "agent-service.env" . | nindent 12 }}
          {{- if gt (int64 $values.shutdown.preStopSleepSeconds) 0 }}
          lifecycle:
            preStop: { sleep: { seconds: {{ $values.shutdown.preStopSleepSeconds }} } }
          {{- end }}
          startupProbe:
            {{- include "agent-service.probe" (dict "probe" $values.probes.startup "port" .port) | nindent 12 }}
          livenessProbe:
            {{- include "agent-service.probe" (dict "probe" $values.probes.liveness "port" .port) | nindent 12 }}
          readinessProbe:
            {{- include "agent-service.probe" (dict "probe" $values.probes.readiness "port" .port) | nindent 12 }}
          resources:
            {{- toYaml .resources | nindent 12 }}
          securityContext:
            {{- include "agent-service.containerSecurityContext" . | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- if $embedded }}
            - { name: data, mountPath: /data }
            {{- end }}
            {{- with $values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: { sizeLimit: 64Mi }
        {{- if $embedded }}
        - name: data
          persistentVolumeClaim: { claimName: {{ .name }}-data }
        {{- end }}
        {{- with $values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      topologySpreadConstraints:
        {{- with $values.topologySpreadConstraints }}
        {{- toYaml . | nindent 8 }}
        {{- else }}
        {{- include "agent-service.spread" . | trim | nindent 8 }}
        {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}

{{- /* Fields of both containers of `helm test`: the environment of a pod that serves requests. */ -}}
{{- define "agent-service.testContainer" -}}
envFrom:
  {{- include "agent-service.envFrom" . | nindent 2 }}
env:
  {{- include "agent-service.env" (dict "root" . "role" "all") | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  {{- include "agent-service.containerSecurityContext" . | nindent 2 }}
volumeMounts:
  - { name: tmp, mountPath: /tmp }
{{- end -}}
