{{/* The command that brings a rollout forward, as a YAML list. */}}
{{- define "routemoa.rolloutStep" -}}
{{- $place := ternary (list "--postgres-dsn-file" "/run/secrets/decision-dsn/dsn") (list "--records" "/decisions") (eq .Values.router.decisions.sink "postgres") -}}
{{- concat (list "python" "-m" "services.evaluation" "rollout" "step" "--json" "--link" (printf "/artifact/%s" .Values.scorer.artifact.link)) $place | toYaml -}}
{{- end }}

{{/* The command that learns a candidate and starts its rollout, as a YAML list. */}}
{{- define "routemoa.rolloutLearn" -}}
{{- $place := ternary (list "--postgres-dsn-file" "/run/secrets/decision-dsn/dsn") (list "/decisions") (eq .Values.router.decisions.sink "postgres") -}}
{{- concat (list "python" "-m" "scorer" "learn" (printf "/artifact/%s" .Values.artifactRollout.learn.base)) $place (list "--rollout" (printf "/artifact/%s" .Values.scorer.artifact.link)) | toYaml -}}
{{- end }}

{{/* A container of the job. Takes (list root container). */}}
{{- define "routemoa.rolloutContainer" -}}
{{- $root := index . 0 -}}
{{- $container := index . 1 -}}
- name: {{ $container.name }}
  image: {{ include "routemoa.image" (list $root $container.image) }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: {{ toJson $container.command }}
  resources:
    {{- toYaml $container.resources | nindent 4 }}
  securityContext:
    {{- toYaml $root.Values.securityContext | nindent 4 }}
  volumeMounts:
    - name: tmp
      mountPath: /tmp
    # The same path as in the scorer's pods, so that the link leads to the same artifact.
    - name: artifact
      mountPath: /artifact
      {{- with $root.Values.scorer.artifact.subPath }}
      subPath: {{ . }}
      {{- end }}
    {{- if eq $root.Values.router.decisions.sink "postgres" }}
    - name: decision-dsn
      mountPath: /run/secrets/decision-dsn
      readOnly: true
    {{- else }}
    - name: decisions
      mountPath: /decisions
      readOnly: true
    {{- end }}
{{- end }}
