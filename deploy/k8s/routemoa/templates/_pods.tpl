{{/* Parts of the components' pods. Each takes (list root component), if nothing else is said. */}}

{{/* Port on which a component serves. Takes the component. */}}
{{- define "routemoa.port" -}}
{{ get (dict "scorer" 50051 "router" 50052 "judge" 50053 "gateway" 8080) . }}
{{- end }}

{{/* Name of the account of a component's pods. */}}
{{- define "routemoa.serviceAccountName" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- (index $root.Values $component).serviceAccount.name | default (printf "%s-%s" (include "routemoa.fullname" $root) $component) -}}
{{- end }}

{{/* The fields of a Deployment's spec beside its template. */}}
{{- define "routemoa.rollout" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
{{- if not $values.autoscaling.enabled -}}
replicas: {{ ternary 1 (int $values.replicas) (eq (include "routemoa.isDemo" $root) "true") }}
{{ end -}}
revisionHistoryLimit: {{ $values.revisionHistoryLimit }}
selector:
  matchLabels:
    {{- include "routemoa.selectorLabels" . | nindent 4 }}
minReadySeconds: {{ $values.rollout.minReadySeconds }}
strategy:
  rollingUpdate:
    maxSurge: {{ $values.rollout.maxSurge }}
    maxUnavailable: {{ $values.rollout.maxUnavailable }}
{{- end }}

{{/* Labels and annotations of a component's pods. */}}
{{- define "routemoa.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index $root.Values $component -}}
labels:
  {{- include "routemoa.selectorLabels" . | nindent 2 }}
  {{- with merge dict (default dict $values.podLabels) (default dict $root.Values.commonLabels) }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include (printf "%s/%s/configmap.yaml" $root.Template.BasePath $component) $root | sha256sum }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Security context of a component: the shared one, whose fields the component's own ones replace. Takes
(list root component field). */}}
{{- define "routemoa.security" -}}
{{- $root := index . 0 -}}
{{- $field := index . 2 -}}
{{- $context := deepCopy (index $root.Values $field) -}}
{{- range $name, $value := index $root.Values (index . 1) $field -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $context $name -}}
{{- else -}}
{{- $_ := set $context $name $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $context -}}
{{- end }}

{{/* The fields of a pod's spec beside containers, volumes and the token. */}}
{{- define "routemoa.pod" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index $root.Values $component -}}
serviceAccountName: {{ include "routemoa.serviceAccountName" . }}
# Service links would be variables such as ROUTEMOA_ROUTER_PORT, which the service refuses as unknown.
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "routemoa.security" (append . "podSecurityContext") | nindent 2 }}
# The drain: it begins with SIGTERM and needs no preStop, since the service goes on answering while
# endpoints are withdrawn.
terminationGracePeriodSeconds: {{ add (ceil (default 0 $values.config.drain_delay_s)) (ceil (default 20 $values.config.drain_timeout_s)) 10 }}
topologySpreadConstraints:
  {{- $selector := include "routemoa.selectorLabels" . }}
  {{- range $key, $action := dict "topology.kubernetes.io/zone" $values.topologySpread.zone "kubernetes.io/hostname" $values.topologySpread.host }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: {{ $action }}
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- range $field := list "dnsConfig" "hostAliases" "nodeSelector" "tolerations" "affinity" }}
{{- with index $values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with include "routemoa.volumes" . | trim }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The fields of a component's container beside its name and resources. */}}
{{- define "routemoa.container" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index $root.Values $component -}}
image: {{ include "routemoa.image" (list $root $values.image) }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
command: [python, -m, services.{{ $component }}]
{{- with $values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
envFrom:
  - configMapRef:
      name: {{ include "routemoa.fullname" $root }}-{{ $component }}
  {{- with $values.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
ports:
  - name: {{ ternary "http" "grpc" (eq $component "gateway") }}
    containerPort: {{ include "routemoa.port" $component }}
  - name: metrics
    containerPort: 9090
{{- include "routemoa.probes" . }}
securityContext:
  {{- include "routemoa.security" (append . "securityContext") | nindent 2 }}
{{- with include "routemoa.volumeMounts" . | trim }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Volumes of a component's pods: its own, the certificate's, and those that the values add. */}}
{{- define "routemoa.volumes" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- if has $component (list "scorer" "router") }}
{{- include (printf "routemoa.%s.volumes" $component) $root }}
{{- end }}
{{- if $root.Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ include "routemoa.tlsSecretName" . }}
{{- end }}
{{- with (index $root.Values $component).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Mounts of a component's container, likewise. */}}
{{- define "routemoa.volumeMounts" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- if has $component (list "scorer" "router") }}
{{- include (printf "routemoa.%s.volumeMounts" $component) $root }}
{{- end }}
{{- if $root.Values.tls.enabled }}
- name: tls
  mountPath: /run/secrets/tls
  readOnly: true
{{- end }}
{{- with (index $root.Values $component).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
