"""What runs inside a foreign child: the only place that imports chaoslib or locust."""
