{{/* Probes of the components. Each takes (list root component), if nothing else is said. */}}

{{/* "true" if the probes are commands: the kubelet's own gRPC probe speaks no TLS, and none shows a certificate. */}}
{{- define "routemoa.probesRun" -}}
{{- $values := (index . 0).Values -}}
{{- if eq (index . 1) "gateway" -}}
{{- and $values.tls.enabled $values.tls.mutual $values.gateway.requireClientCertificates -}}
{{- else -}}
{{- $values.tls.enabled -}}
{{- end -}}
{{- end }}

{{/* Timings of the probes: the component's, whose fields those of the values replace. */}}
{{- define "routemoa.probeTimings" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $startup := dict "periodSeconds" 2 "failureThreshold" 30 -}}
{{- $readiness := dict "periodSeconds" 5 "failureThreshold" 2 -}}
{{- $liveness := dict "periodSeconds" 20 "timeoutSeconds" 5 "failureThreshold" 3 -}}
{{- if eq (include "routemoa.probesRun" .) "true" -}}
{{- $startup = dict "periodSeconds" 5 "timeoutSeconds" 5 "failureThreshold" 12 -}}
{{- $readiness = dict "periodSeconds" 10 "timeoutSeconds" 5 "failureThreshold" 2 -}}
{{- else if eq $component "gateway" -}}
{{- /* It asks the router, for a second at most. */ -}}
{{- $_ := set $readiness "timeoutSeconds" 3 -}}
{{- end -}}
{{- if eq $component "scorer" -}}
{{- /* The server listens once the artifact is open and warm. */ -}}
{{- $_ := set $startup "failureThreshold" (mul 3 $startup.failureThreshold) -}}
{{- end -}}
{{- $timings := dict "startup" $startup "readiness" $readiness "liveness" $liveness -}}
{{- range $kind, $own := (index $root.Values $component).probes -}}
{{- range $name, $value := $own -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set (index $timings $kind) $name (int $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $timings -}}
{{- end }}

{{/* What a probe does. Takes (list root component kind). */}}
{{- define "routemoa.probeCall" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $isHttp := eq $component "gateway" -}}
{{- $asksReadiness := eq (index . 2) "readiness" -}}
{{- $port := include "routemoa.port" $component -}}
{{- $service := printf "routemoa.v1.%sService" (title $component) -}}
{{- if eq (include "routemoa.probesRun" .) "true" -}}
{{- $command := list "python" "-m" "services.health_probe" -}}
{{- if $isHttp }}{{ $command = append $command "--http" }}{{ end -}}
{{- $command = append $command (printf "localhost:%s" $port) -}}
{{- if $asksReadiness }}{{ $command = append $command (ternary "/readyz" $service $isHttp) }}{{ end -}}
{{- $name := printf "%s-%s" (include "routemoa.fullname" $root) $component -}}
{{- $command = concat $command (list "--ca-file" "/run/secrets/tls/ca.crt" "--server-name" $name) -}}
{{- if $root.Values.tls.mutual -}}
{{- $command = concat $command (list "--certificate-file" "/run/secrets/tls/tls.crt" "--key-file" "/run/secrets/tls/tls.key") -}}
{{- end -}}
exec:
  command: {{ toJson $command }}
{{- else if $isHttp -}}
httpGet:
  path: {{ ternary "/readyz" "/healthz" $asksReadiness }}
  port: http
  scheme: {{ ternary "HTTPS" "HTTP" $root.Values.tls.enabled }}
{{- else -}}
grpc:
  port: {{ $port }}
  {{- if $asksReadiness }}
  service: {{ $service }}
  {{- end }}
{{- end -}}
{{- end }}

{{/* The three probes of a container. */}}
{{- define "routemoa.probes" -}}
{{- $arguments := . }}
{{- $timings := include "routemoa.probeTimings" . | fromYaml }}
{{- range $kind := list "startup" "readiness" "liveness" }}
{{ $kind }}Probe:
  {{- include "routemoa.probeCall" (append $arguments $kind) | nindent 2 }}
  {{- toYaml (index $timings $kind) | nindent 2 }}
{{- end }}
{{- end }}
