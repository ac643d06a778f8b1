"""A sale: nearly everybody looks at the catalogue, few buy, and nobody waits much longer than a second."""

from locust import FastHttpUser, between, task


class BargainHunter(FastHttpUser):
    wait_time = between(0.5, 0.9)
    connection_timeout = 5.0
    network_timeout = 1.2

    @task(8)
    def look_around(self) -> None:
        self.client.get("/catalogue")

    @task(1)
    def buy(self) -> None:
        self.client.post("/checkout", json={"item": 12, "amount": 999})
