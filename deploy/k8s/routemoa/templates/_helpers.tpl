{{/* Names and labels only. */}}

{{- define "routemoa.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels that select a component's pods. Takes (list root component). */}}
{{- define "routemoa.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ default $root.Chart.Name $root.Values.nameOverride }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of a component's objects. Takes (list root component), and labels to add. */}}
{{- define "routemoa.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{ include "routemoa.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: routemoa
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- with merge dict (index (append . dict) 2 | default dict) (default dict $root.Values.commonLabels) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Reference of a component's image. Takes (list root image). */}}
{{- define "routemoa.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- with $root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest -}}
@{{ $image.digest }}
{{- else -}}
:{{ coalesce $image.tag $root.Values.image.tag $root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Name of the Secret with a component's certificate. Takes (list root component). */}}
{{- define "routemoa.tlsSecretName" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- default (printf "%s-%s-tls" (include "routemoa.fullname" $root) $component) (index $root.Values $component).tlsSecretName -}}
{{- end }}
