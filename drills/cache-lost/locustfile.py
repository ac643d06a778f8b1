"""A sale: nearly everybody looks at the catalogue, few buy."""

from locust import FastHttpUser, between, task


class BargainHunter(FastHttpUser):
    wait_time = between(0.3, 0.6)
    connection_timeout = 15.0
    network_timeout = 15.0

    @task(8)
    def look_around(self) -> None:
        self.client.get("/catalogue")

    @task(1)
    def buy(self) -> None:
        self.client.post("/checkout", json={"item": 12, "amount": 999})
