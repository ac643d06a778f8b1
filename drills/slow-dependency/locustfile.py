"""Patient shoppers: they wait long enough for a slow shop to pile them up."""

from locust import FastHttpUser, between, task


class PatientShopper(FastHttpUser):
    wait_time = between(0.2, 0.5)
    connection_timeout = 15.0
    network_timeout = 15.0

    @task
    def look_around(self) -> None:
        self.client.get("/catalogue")

    @task
    def buy(self) -> None:
        self.client.post("/checkout", json={"item": 3, "amount": 2500})
