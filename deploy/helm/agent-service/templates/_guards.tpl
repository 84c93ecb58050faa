{{- /*
Configurations that the chart refuses to render, because they would lose work, cannot run, or expose data. Each error
message states the reason and the fix; tests/chart/refusals.test.ts has a case for each.
*/ -}}
{{- define "agent-service.guards" -}}
{{- include "agent-service.guards.shutdown" . -}}
{{- include "agent-service.guards.store" . -}}
{{- include "agent-service.guards.autoscaling" . -}}
{{- include "agent-service.guards.secrets" . -}}
{{- include "agent-service.guards.images" . -}}
{{- include "agent-service.guards.access" . -}}
{{- if .Values.inference.enabled -}}
{{- include "agent-service.guards.inference" . -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.guards.shutdown" -}}
{{- $grace := int64 (include "agent-service.terminationGracePeriodSeconds" .) -}}
{{- $needed := int64 (include "agent-service.stopSeconds" .) -}}
{{- if lt $grace $needed -}}
{{- fail (printf "shutdown.terminationGracePeriodSeconds is %d, but a pod may take %d s to end: preStopSleepSeconds %v + PRESTOP_DELAY %v + SHUTDOWN_GRACE %v + %s to record and close. It would be killed with runs in flight. Leave it out, or set it to %d or more." $grace $needed .Values.shutdown.preStopSleepSeconds .Values.config.PRESTOP_DELAY .Values.config.SHUTDOWN_GRACE (include "agent-service.closingSeconds" .) $needed) -}}
{{- end -}}
{{- with .Values.probes.liveness -}}
{{- if ne .path "/healthz" -}}
{{- fail (printf "probes.liveness.path is %s: nothing but /healthz is sure to be 200 in a pod that drains, which would be killed with runs in flight. Set it to /healthz." .path) -}}
{{- end -}}
{{- $window := mul (int64 .periodSeconds) (int64 .failureThreshold) -}}
{{- if lt $window 30 -}}
{{- fail (printf "probes.liveness restarts a pod after %d s without an answer: one that is busy, or that closes its port at the end of a drain, would be killed with runs in flight. Raise periodSeconds or failureThreshold, to 30 s or more." $window) -}}
{{- end -}}
{{- end -}}
{{- with .Values.podDisruptionBudget -}}
{{- if .enabled -}}
{{- $pods := int64 (include "agent-service.replicasMin" $) -}}
{{- if kindIs "invalid" .minAvailable -}}
{{- if eq (include "agent-service.share" (dict "of" $pods "value" (default 0 .maxUnavailable))) "0" -}}
{{- fail "podDisruptionBudget.maxUnavailable is 0: no node with one of the pods could ever be drained. Set it to 1." -}}
{{- end -}}
{{- else if ge (include "agent-service.share" (dict "of" $pods "value" .minAvailable) | int64) $pods -}}
{{- fail (printf "podDisruptionBudget.minAvailable is %v, and there may be %d pods: no node with one of them could ever be drained. Set it below the fewest pods there are, or leave it out and set maxUnavailable: 1." .minAvailable $pods) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.guards.store" -}}
{{- $mode := .Values.database.mode -}}
{{- if eq $mode "embedded" -}}
{{- if or .Values.autoscaling.enabled .Values.autoscaling.managedElsewhere -}}
{{- fail "database.mode is embedded, which is for one process, and an autoscaler is on: two pods would have two stores. Set autoscaling.enabled: false (and managedElsewhere: false), or use a Postgres (database.mode: existing)." -}}
{{- end -}}
{{- if or (kindIs "invalid" .Values.replicaCount) (gt (int64 .Values.replicaCount) 1) -}}
{{- fail (printf "database.mode is embedded, which is for one process, and replicaCount is %v: each pod would have a store of its own. Set replicaCount: 1, or use a Postgres (database.mode: existing)." .Values.replicaCount) -}}
{{- end -}}
{{- if .Values.worker.enabled -}}
{{- fail "database.mode is embedded, which is for one process, and worker.enabled adds more: they would never see each other's runs. Set worker.enabled: false, or use a Postgres (database.mode: existing)." -}}
{{- end -}}
{{- end -}}
{{- if eq $mode "bundled" -}}
{{- if eq .Values.config.APP_ENV "production" -}}
{{- fail "database.mode is bundled: a Postgres of one pod without backups, for trials, and APP_ENV is production. Use a Postgres that is looked after (database.mode: existing), or another APP_ENV." -}}
{{- end -}}
{{- if not .Values.database.bundled.password -}}
{{- fail "database.mode is bundled, and database.bundled.password is empty. Choose one." -}}
{{- end -}}
{{- end -}}
{{- if and (ne $mode "embedded") .Values.database.maxConnections -}}
{{- $needed := int64 (include "agent-service.connectionsMax" .) -}}
{{- if gt $needed (int64 .Values.database.maxConnections) -}}
{{- fail (printf "The pods may hold %d connections to the database at once (%s each, those of a rollout included), and database.maxConnections is %d: some would be refused, and their runs handed on. Lower config.DATABASE_POOL_MAX or the most pods (autoscaling.maxReplicas, worker.maxReplicas), or put a pooler between and state its limit." $needed (include "agent-service.podConnections" .) (int64 .Values.database.maxConnections)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.guards.autoscaling" -}}
{{- $scaling := .Values.autoscaling -}}
{{- $provider := .Values.metrics.provider -}}
{{- $onDemand := and $scaling.enabled $scaling.demand.enabled -}}
{{- $inference := and .Values.inference.enabled .Values.inference.autoscaling.enabled -}}
{{- if and $scaling.enabled $scaling.managedElsewhere -}}
{{- fail "autoscaling.enabled and autoscaling.managedElsewhere are both true: two autoscalers of one Deployment undo each other's work. Set one of them to false." -}}
{{- end -}}
{{- if and $scaling.enabled (not $scaling.cpu.enabled) (not $scaling.demand.enabled) -}}
{{- fail "autoscaling.enabled is true, and both autoscaling.cpu.enabled and autoscaling.demand.enabled are false: there is nothing to scale on. Set autoscaling.demand.enabled: true." -}}
{{- end -}}
{{- if $scaling.enabled -}}
{{- if gt (int64 $scaling.minReplicas) (int64 $scaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas is %v, above autoscaling.maxReplicas, %v. Lower the one, or raise the other." $scaling.minReplicas $scaling.maxReplicas) -}}
{{- end -}}
{{- if and .Values.worker.enabled (gt (int64 .Values.worker.minReplicas) (int64 .Values.worker.maxReplicas)) -}}
{{- fail (printf "worker.minReplicas is %v, above worker.maxReplicas, %v. Lower the one, or raise the other." .Values.worker.minReplicas .Values.worker.maxReplicas) -}}
{{- end -}}
{{- end -}}
{{- if or $onDemand $inference -}}
{{- if eq $provider "none" -}}
{{- fail (printf "%s on figures of Prometheus, and metrics.provider is none: nobody serves them to the autoscaler, which could then never scale down. Set metrics.provider to prometheus-adapter or keda, or %s." (ternary "autoscaling.demand.enabled scales" "inference.autoscaling.enabled scales" $onDemand) (ternary "autoscaling.demand.enabled: false" "inference.autoscaling.enabled: false" $onDemand)) -}}
{{- end -}}
{{- if eq .Values.metrics.scrape "none" -}}
{{- fail "The autoscaler scales on figures of Prometheus, and metrics.scrape is none: nobody collects them. Set metrics.scrape to podMonitor, serviceMonitor or annotations, or to elsewhere if you have seen to it." -}}
{{- end -}}
{{- if and (eq $provider "keda") (not .Values.metrics.keda.serverAddress) -}}
{{- fail "metrics.provider is keda, and metrics.keda.serverAddress is empty: KEDA would not know which Prometheus to ask. Set it, such as http://prometheus-operated.monitoring:9090." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.guards.secrets" -}}
{{- $secret := .Values.secret -}}
{{- $productive := has .Values.config.APP_ENV (list "production" "staging") -}}
{{- if eq $secret.source "none" -}}
{{- if $productive -}}
{{- fail (printf "secret.source is none, and APP_ENV is %s, where the service needs OPENAI_API_KEY and refuses to start. Make a Secret and set secret.source: existing." .Values.config.APP_ENV) -}}
{{- end -}}
{{- if eq .Values.database.mode "existing" -}}
{{- fail "secret.source is none, and database.mode is existing: nothing says where the database is. Make a Secret with DATABASE_URL and set secret.source: existing, or set database.mode: embedded." -}}
{{- end -}}
{{- end -}}
{{- if eq $secret.source "external" -}}
{{- if not (and $secret.external.secretStoreRef (or $secret.external.dataFrom $secret.external.data)) -}}
{{- fail "secret.source is external, but the ExternalSecret has nothing to read. Set secret.external.secretStoreRef, and dataFrom or data." -}}
{{- end -}}
{{- end -}}
{{- if eq $secret.source "create" -}}
{{- if not $secret.allowPlaceholder -}}
{{- range $name, $value := $secret.values -}}
{{- if regexMatch "(?i)your[-_ ]?(api[-_ ]?)?(key|password)|placeholder|change[-_ ]?me|^sk-(xxx|\\.\\.\\.)" (toString $value) -}}
{{- fail (printf "secret.values.%s is a placeholder, with which the service refuses to start. Set the real one, or set secret.allowPlaceholder: true where somebody completes the manifests before they are applied." $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $productive (not $secret.values.OPENAI_API_KEY) -}}
{{- fail (printf "secret.source is create, secret.values.OPENAI_API_KEY is empty, and APP_ENV is %s, where the service needs it and refuses to start. Set it." .Values.config.APP_ENV) -}}
{{- end -}}
{{- if and (eq .Values.database.mode "existing") (not $secret.values.DATABASE_URL) -}}
{{- fail "secret.source is create, secret.values.DATABASE_URL is empty, and database.mode is existing: every pod would store its runs in itself, and lose them. Set it, or set database.mode: embedded or bundled." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.guards.images" -}}
{{- if and (not .Values.image.digest) (eq .Values.image.tag "latest") -}}
{{- fail "image.tag is latest: pods of one release would run different versions, and there would be nothing to go back to. Set a version, or better image.digest." -}}
{{- end -}}
{{- if and (eq .Values.database.mode "bundled") (or (hasSuffix ":latest" .Values.database.bundled.image) (not (regexMatch "[:@][^/]+$" .Values.database.bundled.image))) -}}
{{- fail (printf "database.bundled.image is %s, which is whatever is newest: a restart could bring a Postgres that cannot read the volume. Set a version." .Values.database.bundled.image) -}}
{{- end -}}
{{- if and .Values.inference.enabled (not .Values.inference.image.digest) (has .Values.inference.image.tag (list "latest" "")) -}}
{{- fail "inference.image.tag is latest or empty: pods of one pool would run different versions. Set a version, or better inference.image.digest." -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.guards.access" -}}
{{- $env := .Values.config.APP_ENV -}}
{{- if and (has $env (list "production" "staging")) (eq .Values.config.AUTH_MODE "none") (not .Values.allowUnauthenticated) -}}
{{- fail (printf "config.AUTH_MODE is none, and APP_ENV is %s: whoever reaches the service spends your money and reads every run. Set config.AUTH_MODE: api_key, or allowUnauthenticated: true if somebody in front checks who calls." $env) -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.enabled is true, and httpRoute.parentRefs is empty: no gateway would serve the route. Name one, such as {name: public, namespace: gateways}." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled is true, and ingress.hosts is empty: the Ingress would have no rule. Name a host." -}}
{{- end -}}
{{- end -}}

{{- define "agent-service.guards.inference" -}}
{{- $pool := .Values.inference -}}
{{- $grace := int64 (include "agent-service.inference.terminationGracePeriodSeconds" .) -}}
{{- $needed := int64 (include "agent-service.inference.stopSeconds" .) -}}
{{- if lt $grace $needed -}}
{{- fail (printf "inference.shutdown.terminationGracePeriodSeconds is %d, but a pod of the pool may take %d s to end: preStopSleepSeconds %v + timeoutSeconds %v. It would be killed with requests in flight. Leave it out, or set it to %d or more." $grace $needed $pool.shutdown.preStopSleepSeconds $pool.shutdown.timeoutSeconds $needed) -}}
{{- end -}}
{{- $pods := int64 (include "agent-service.inference.podsMax" .) -}}
{{- if and (gt $pods 1) $pool.cache.enabled (not $pool.cache.existingClaim) (not (or (has "ReadWriteMany" $pool.cache.accessModes) (has "ReadOnlyMany" $pool.cache.accessModes))) -}}
{{- fail (printf "The inference pool may have %d pods, and inference.cache.accessModes lets one node mount the volume: pods on others would never start. Use ReadWriteMany and a storage class that has it, or set inference.cache.enabled: false." $pods) -}}
{{- end -}}
{{- if and $pool.autoscaling.enabled (gt (int64 $pool.autoscaling.minReplicas) (int64 $pool.autoscaling.maxReplicas)) -}}
{{- fail (printf "inference.autoscaling.minReplicas is %v, above maxReplicas, %v. Lower the one, or raise the other." $pool.autoscaling.minReplicas $pool.autoscaling.maxReplicas) -}}
{{- end -}}
{{- range $name, $value := include "agent-service.inference.settings" . | fromYaml -}}
{{- if and (hasSuffix "OPENAI_BASE_URL" $name) (hasKey $.Values.config $name) -}}
{{- fail (printf "config.%s and the inference pool both say which provider to ask. Leave the setting out, or change inference.role." $name) -}}
{{- end -}}
{{- end -}}
{{- if and $pool.apiKeySecretKey (ne $pool.apiKeySecretKey (ternary "OPENAI_API_KEY" "FALLBACK_OPENAI_API_KEY" (eq $pool.role "first"))) -}}
{{- fail (printf "inference.apiKeySecretKey is %s, but as the %s provider the pool is asked with %s: the service would be refused. Set it to that." $pool.apiKeySecretKey $pool.role (ternary "OPENAI_API_KEY" "FALLBACK_OPENAI_API_KEY" (eq $pool.role "first"))) -}}
{{- end -}}
{{- if and $pool.apiKeySecretKey (eq .Values.secret.source "none") -}}
{{- fail "inference.apiKeySecretKey names a key of the Secret, and secret.source is none. Make a Secret, or leave the key out." -}}
{{- end -}}
{{- end -}}
