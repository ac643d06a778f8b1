"""Shoppers who came to buy: as many orders as looks at the catalogue."""

from locust import FastHttpUser, between, task


class Buyer(FastHttpUser):
    wait_time = between(0.1, 0.3)
    connection_timeout = 5.0
    network_timeout = 5.0

    @task
    def look_around(self) -> None:
        self.client.get("/catalogue")

    @task
    def buy(self) -> None:
        self.client.post("/checkout", json={"item": 7, "amount": 4900})
