{{/* Volumes of the router's pods. */}}
{{- define "routemoa.router.volumes" }}
- name: pool
  configMap:
    name: {{ include "routemoa.fullname" . }}-pool
{{- range .Values.router.backendSecrets }}
- name: backend-{{ .name }}
  {{- if .csi }}
  csi:
    driver: {{ .csi.driver }}
    readOnly: true
    volumeAttributes:
      secretProviderClass: {{ .csi.secretProviderClass }}
  {{- else }}
  secret:
    secretName: {{ .secretName | default (printf "%s-%s" (include "routemoa.fullname" $) .name) }}
  {{- end }}
{{- end }}
{{- with .Values.router.budgets }}
{{- if .tenantsSecretName }}
- name: tenants
  secret:
    secretName: {{ .tenantsSecretName }}
{{- end }}
{{- if .redisUrlSecretName }}
- name: budget-redis
  secret:
    secretName: {{ .redisUrlSecretName }}
{{- end }}
{{- end }}
{{- with .Values.router.decisions }}
{{- if eq .sink "files" }}
- name: decisions
  {{- if .claimName }}
  persistentVolumeClaim:
    claimName: {{ .claimName }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .sizeLimit }}
  {{- end }}
{{- end }}
{{- if eq .sink "postgres" }}
- name: decision-dsn
  secret:
    secretName: {{ .dsnSecretName }}
{{- end }}
{{- if .hashKeySecretName }}
- name: decision-key
  secret:
    secretName: {{ .hashKeySecretName }}
{{- end }}
{{- end }}
{{- end }}

{{/* Mounts of the router's container. */}}
{{- define "routemoa.router.volumeMounts" }}
# A directory, not a subPath, which would never be updated.
- name: pool
  mountPath: /etc/routemoa/pool
  readOnly: true
{{- range .Values.router.backendSecrets }}
- name: backend-{{ .name }}
  mountPath: /run/secrets/backends/{{ .name }}
  readOnly: true
{{- end }}
{{- with .Values.router.budgets }}
{{- if .tenantsSecretName }}
- name: tenants
  mountPath: /run/secrets/tenants
  readOnly: true
{{- end }}
{{- if .redisUrlSecretName }}
- name: budget-redis
  mountPath: /run/secrets/budget-redis
  readOnly: true
{{- end }}
{{- end }}
{{- with .Values.router.decisions }}
{{- if eq .sink "files" }}
- name: decisions
  mountPath: /var/lib/routemoa/decisions
{{- end }}
{{- if eq .sink "postgres" }}
- name: decision-dsn
  mountPath: /run/secrets/decision-dsn
  readOnly: true
{{- end }}
{{- if .hashKeySecretName }}
- name: decision-key
  mountPath: /run/secrets/decision-key
  readOnly: true
{{- end }}
{{- end }}
{{- end }}
