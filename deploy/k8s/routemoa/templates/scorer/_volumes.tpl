{{/* Volumes of the scorer's pods. */}}
{{- define "routemoa.scorer.volumes" }}
{{- $artifact := .Values.scorer.artifact }}
- name: tmp
  emptyDir:
    sizeLimit: 512Mi
{{- if eq $artifact.source "pvc" }}
- name: artifact
  persistentVolumeClaim:
    claimName: {{ $artifact.claimName }}
    readOnly: true
{{- else if eq $artifact.source "image" }}
- name: artifact
  image:
    reference: {{ $artifact.reference }}
    pullPolicy: {{ .Values.image.pullPolicy }}
{{- else if eq $artifact.source "fetch" }}
- name: artifact
  emptyDir:
    sizeLimit: {{ $artifact.sizeLimit }}
- name: fetch
  configMap:
    name: {{ include "routemoa.fullname" . }}-fetch
{{- end }}
{{- end }}

{{/* Mounts of the scorer's container. */}}
{{- define "routemoa.scorer.volumeMounts" }}
{{- $artifact := .Values.scorer.artifact }}
# For CUDA's cache of compiled kernels; the root file system is read-only.
- name: tmp
  mountPath: /tmp
{{- if ne $artifact.source "baked" }}
- name: artifact
  mountPath: /artifact
  {{- if ne $artifact.source "fetch" }}
  {{- with $artifact.subPath }}
  subPath: {{ . }}
  {{- end }}
  {{- end }}
  readOnly: true
{{- end }}
{{- end }}
