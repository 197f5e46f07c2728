#!/bin/sh
# Prints the PrometheusRule with the groups of deploy/prometheus/alerts.yml, comments and all:
# `make k8s-rules` writes it, and a test compares.
set -eu
cat <<'HEAD'
# Made from deploy/prometheus/alerts.yml by `make k8s-rules`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: chat
spec:
HEAD
sed 's/^./  &/' "$(dirname "$0")/../../../prometheus/alerts.yml"
