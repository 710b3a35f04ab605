def place(model):
    return model.cuda()
