"""Shoppers: most look around, some buy. What they do when the shop fails is to try again a little later."""

from locust import FastHttpUser, between, task


class Shopper(FastHttpUser):
    wait_time = between(0.1, 0.3)
    connection_timeout = 5.0
    network_timeout = 5.0

    @task(3)
    def look_around(self) -> None:
        self.client.get("/catalogue")

    @task(2)
    def buy(self) -> None:
        self.client.post("/checkout", json={"item": 1, "amount": 1999})
