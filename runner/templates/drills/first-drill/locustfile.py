from locust import FastHttpUser, between, task


class Shopper(FastHttpUser):
    wait_time = between(0.1, 0.3)
    connection_timeout = 2.0
    network_timeout = 2.0

    @task
    def buy(self) -> None:
        self.client.post("/checkout", json={"item": 1, "amount": 999})
