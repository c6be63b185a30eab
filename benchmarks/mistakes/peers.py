import torch


def fit(model, x, y, optimizer, loss_function, epochs=1, batch=32, augment=None):
    for epoch in range(epochs):
        correct = 0
        for chosen in torch.randperm(len(x)).split(batch):
            images = augment(x[chosen]) if augment else x[chosen]
            logits = model(images)
            loss = loss_function(logits, y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            correct += (logits.argmax(1) == y[chosen]).sum().item()
        print(f"epoch {epoch + 1}: loss {loss.item():.4f}, accuracy {correct / len(x):.4f}")
